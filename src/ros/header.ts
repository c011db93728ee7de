import type { Stamp } from '../types.ts';
import type { Fields } from './fields.ts';

/** std_msgs/Header of a message. */
export function header(message: Fields): { stamp: Stamp; frameId: string } {
  const fields = message.child('header');
  return { stamp: fields.stamp('stamp'), frameId: frameName(fields.text('frame_id')) };
}

/** ROS 1 senders still write `/base_link`; tf2 knows it as `base_link`. */
export function frameName(name: string): string {
  return name.startsWith('/') ? name.slice(1) : name;
}
