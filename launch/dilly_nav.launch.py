"""Starts the dilly-nav node; include it beside a sensor driver or `ros2 bag play --clock`."""

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import LifecycleNode
from launch_ros.parameter_descriptions import ParameterValue

ARGUMENTS = {
    "namespace": ("", "of the node and its topics"),
    "map": ("", "folder of a map package, or https://host/v1/maps/ID"),
    "config": ("", "YAML configuration of dilly-nav"),
    "points": ("points", "topic of the LiDAR"),
    "imu": ("imu", "topic"),
    "odom": ("odom", "topic"),
    "fix": ("fix", "topic"),
    "use_sim_time": ("false", "time of /clock"),
    "autostart": ("true", "configure and activate at start"),
}


def generate_launch_description():
    value = {name: LaunchConfiguration(name) for name in ARGUMENTS}
    boolean = {name: ParameterValue(value[name], value_type=bool) for name in ("use_sim_time", "autostart")}
    node = LifecycleNode(
        package="dilly_nav",
        executable="dilly_nav_node",
        name="dilly_nav",
        namespace=value["namespace"],
        output="screen",
        remappings=[(name, value[name]) for name in ("points", "imu", "odom", "fix")],
        parameters=[
            {
                "use_sim_time": boolean["use_sim_time"],
                "config": ParameterValue(value["config"], value_type=str),
                "ros2.map": ParameterValue(value["map"], value_type=str),
                "ros2.autostart": boolean["autostart"],
            }
        ],
    )
    declared = [
        DeclareLaunchArgument(name, default_value=default, description=text)
        for name, (default, text) in ARGUMENTS.items()
    ]
    return LaunchDescription([*declared, node])
