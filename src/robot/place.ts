/** Where the robot is on its route; metres from the route's start. */
export interface Place {
  readonly front: number;
  readonly base: number;
  readonly rear: number;
  /** good enough to begin something by it; else only to end what was begun */
  readonly sure: boolean;
}
