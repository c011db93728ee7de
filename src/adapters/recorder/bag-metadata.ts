import { stringify } from 'yaml';
import type { Stamp } from '../../types.ts';

export interface RecordedTopic {
  readonly name: string;
  readonly type: string;
  readonly messages: number;
  /** a latched topic is offered to those who subscribe later */
  readonly latched: boolean;
}

export interface RecordedFile {
  readonly path: string;
  readonly start: Stamp;
  readonly end: Stamp;
  readonly messages: number;
}

export interface RecordedBag {
  /** in the order of time */
  readonly files: readonly RecordedFile[];
  readonly topics: readonly RecordedTopic[];
}

/** rosbag2 writes no YAML aliases, and not every reader knows them. */
const PLAIN = { aliasDuplicateObjects: false };
/** What DDS calls "infinite": INT64_MAX nanoseconds. */
const INFINITE = { sec: 9223372036, nsec: 854775807 };

/** The QoS of a topic as rosbag2 up to Humble stores it, in numbers of rmw: keep last 10, reliable. */
export function offeredQosProfiles(latched: boolean): string {
  return stringify(
    [
      {
        history: 1,
        depth: 10,
        reliability: 1,
        durability: latched ? 1 : 2,
        deadline: INFINITE,
        lifespan: INFINITE,
        liveliness: 1,
        liveliness_lease_duration: INFINITE,
        avoid_ros_namespace_conventions: false,
      },
    ],
    PLAIN,
  );
}

/** `metadata.yaml` of a rosbag2 folder of MCAP files, version 5 (ROS 2 Humble; later ones read it). */
export function bagMetadata({ files, topics }: RecordedBag): string {
  const filled = files.filter(({ messages }) => messages > 0);
  const byTime = (a: Stamp, b: Stamp) => (a < b ? -1 : a > b ? 1 : 0);
  const start = filled.map((file) => file.start).sort(byTime)[0] ?? 0n;
  const end =
    filled
      .map((file) => file.end)
      .sort(byTime)
      .at(-1) ?? 0n;
  const times = (from: Stamp, to: Stamp, messages: number) => ({
    duration: { nanoseconds: to - from },
    starting_time: { nanoseconds_since_epoch: from },
    message_count: messages,
  });
  return stringify(
    {
      rosbag2_bagfile_information: {
        version: 5,
        storage_identifier: 'mcap',
        ...times(
          start,
          end,
          files.reduce((sum, { messages }) => sum + messages, 0),
        ),
        topics_with_message_count: topics.map(({ name, type, messages, latched }) => ({
          topic_metadata: {
            name,
            type,
            serialization_format: 'cdr',
            offered_qos_profiles: offeredQosProfiles(latched),
          },
          message_count: messages,
        })),
        compression_format: '',
        compression_mode: '',
        relative_file_paths: files.map(({ path }) => path),
        files: files.map(({ path, start, end, messages }) => ({ path, ...times(start, end, messages) })),
      },
    },
    PLAIN,
  );
}
