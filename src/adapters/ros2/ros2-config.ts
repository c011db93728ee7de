import { z } from 'zod';

const topic = (name: string, text: string) => z.string().min(1).default(name).describe(text);
const seconds = (value: number, text: string) =>
  z.number().positive().max(600).default(value).describe(`${text}, s`);

/** The ROS 2 node. Names are relative to the node's namespace and can be remapped. */
export const ros2Config = z.strictObject({
  map: z
    .string()
    .default('')
    .describe('folder of a map package, or https://host/v1/maps/ID; default: no map, GNSS and odometry only'),
  autostart: z.boolean().default(false).describe('configure and activate at start, without a manager'),
  points: z
    .array(z.string().min(1))
    .min(1)
    .max(8)
    .default(['points'])
    .describe('topics of the LiDARs, sensor_msgs/PointCloud2'),
  fix: topic('fix', 'fixes of GNSS'),
  fixType: z
    .enum(['sensor_msgs/NavSatFix', 'gps_msgs/GPSFix'])
    .default('sensor_msgs/NavSatFix')
    .describe('their message; GPSFix says how the satellites stand, too'),
  imu: topic('imu', 'sensor_msgs/Imu'),
  odom: topic('odom', 'nav_msgs/Odometry'),
  mapFrame: topic('map', 'frame of the map'),
  odomFrame: topic('odom', 'frame of the odometry'),
  tf: z
    .enum(['odom', 'base', 'none'])
    .default('odom')
    .describe('`odom`: give map→odom; `base`: map→base_link, where nobody gives odom→base_link; `none`'),
  tfAhead: z
    .number()
    .min(0)
    .max(2)
    .default(0.1)
    .describe(
      'map→odom is stamped so far ahead of the cloud, so that look-ups until the next need not wait, s',
    ),
  odometryRate: z
    .number()
    .min(0)
    .max(1000)
    .default(100)
    .describe(
      '`odometry` is given so often, by prediction at stamps of the IMU, where somebody listens; 0: with each cloud, Hz',
    ),
  odomTimeout: seconds(0.5, 'an odometry pose further from the cloud is not used for map→odom'),
  sensorTimeout: seconds(1, 'a LiDAR that is silent for longer is reported'),
  clockJump: seconds(5, 'stamps that leap by more are a jump of the clock'),
  retry: seconds(5, 'a map that could not be opened is tried again after'),
  stateFile: z
    .string()
    .default('')
    .describe(
      'where the last pose is kept for the next start; default: dilly-nav in the state folder of the user',
    ),
  statePeriod: seconds(1, 'the pose is kept so often'),
  startRadius: z.number().positive().max(50).default(2).describe('a kept pose may be this far off, m'),
  startYaw: z.number().positive().max(180).default(15).describe('a kept pose may be turned so far, degrees'),
  records: z
    .string()
    .default('')
    .describe('folder of recordings; default: dilly-nav/drives in the state folder'),
  profile: z
    .string()
    .default('')
    .describe('YAML of what the robot can do, as in maps/profiles, to find ways by; default: no ways'),
  goal: z.string().default('').describe('POI of the map that the service load_route goes to'),
});
export type Ros2Config = z.infer<typeof ros2Config>;
