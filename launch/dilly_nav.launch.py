"""Starts the dilly-nav node; include it beside a sensor driver or `ros2 bag play --clock`."""

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch.conditions import IfCondition
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import LifecycleNode, Node
from launch_ros.parameter_descriptions import ParameterValue
from launch_ros.substitutions import FindPackageShare

ARGUMENTS = {
    "namespace": ("", "of the node and its topics"),
    "map": ("", "folder of a map package, or https://host/v1/maps/ID"),
    "config": ("", "YAML configuration of dilly-nav; parameters win over it"),
    "params_file": ("", "ROS parameters, made from config/dilly_nav.params.yaml of this package"),
    "points": ("points", "topic of the LiDAR"),
    "imu": ("imu", "topic"),
    "odom": ("odom", "topic"),
    "fix": ("fix", "topic"),
    "use_sim_time": ("false", "time of /clock"),
    "autostart": ("true", "configure and activate at start"),
    "rviz": ("false", "open RViz too"),
}




def start(context):
    """The node; without a parameter file none is given to it."""
    value = {name: LaunchConfiguration(name) for name in ARGUMENTS}
    boolean = {name: ParameterValue(value[name], value_type=bool) for name in ("use_sim_time", "autostart")}
    params_file = value["params_file"].perform(context)
    chosen = {"use_sim_time": boolean["use_sim_time"], "ros2.autostart": boolean["autostart"]}
    # What is not given here is left to the files.
    for parameter, name in (("config", "config"), ("ros2.map", "map")):
        if value[name].perform(context):
            chosen[parameter] = ParameterValue(value[name], value_type=str)
    return [
        LifecycleNode(
            package="dilly_nav",
            executable="dilly_nav_node",
            name="dilly_nav",
            namespace=value["namespace"],
            output="screen",
            remappings=[(name, value[name]) for name in ("points", "imu", "odom", "fix")],
            parameters=[*([params_file] if params_file else []), chosen],
            respawn=True,
            respawn_delay=0.5,
        )
    ]


def generate_launch_description():
    rviz = Node(
        package="rviz2",
        executable="rviz2",
        arguments=["-d", PathJoinSubstitution([FindPackageShare("dilly_nav"), "config", "dilly_nav.rviz"])],
        condition=IfCondition(LaunchConfiguration("rviz")),
    )
    declared = [
        DeclareLaunchArgument(name, default_value=default, description=text)
        for name, (default, text) in ARGUMENTS.items()
    ]
    return LaunchDescription([*declared, OpaqueFunction(function=start), rviz])
