import { parse } from '@foxglove/rosmsg';

type Definition = ReturnType<typeof parse>[number];

/** Fields of gps_msgs (github.com/swri-robotics/gps_umd), which are not among the standard definitions of ROS 2. */
const FIELDS = {
  'gps_msgs/GPSFix': `
    std_msgs/Header header
    gps_msgs/GPSStatus status
    float64 latitude
    float64 longitude
    float64 altitude
    float64 track
    float64 speed
    float64 climb
    float64 pitch
    float64 roll
    float64 dip
    float64 time
    float64 gdop
    float64 pdop
    float64 hdop
    float64 vdop
    float64 tdop
    float64 err
    float64 err_horz
    float64 err_vert
    float64 err_track
    float64 err_speed
    float64 err_climb
    float64 err_time
    float64 err_pitch
    float64 err_roll
    float64 err_dip
    float64[9] position_covariance
    uint8 position_covariance_type`,
  'gps_msgs/GPSStatus': `
    std_msgs/Header header
    uint16 satellites_used
    int32[] satellite_used_prn
    uint16 satellites_visible
    int32[] satellite_visible_prn
    int32[] satellite_visible_z
    int32[] satellite_visible_azimuth
    int32[] satellite_visible_snr
    int16 status
    uint16 motion_source
    uint16 orientation_source
    uint16 position_source`,
} as const;

export const GPS_MSGS = Object.fromEntries(
  Object.entries(FIELDS).map(([name, text]): [string, Definition] => [
    name,
    { name, definitions: parse(text, { ros2: true, skipTypeFixup: true })[0]!.definitions },
  ]),
) as Record<keyof typeof FIELDS, Definition>;
