// Where the watcher gets the objects of a cluster from: the watches of its API server, or the story
// of the demo.
import type { KubeClient } from '../kube/client.ts';
import { pathOf, type Resource } from '../kube/object.ts';
import { type WatchOptions, watch } from '../kube/watch.ts';
import { type Actors, askActors, type Named } from './actor.ts';

export type Followed<T> = WatchOptions<T> & Required<Pick<WatchOptions<T>, 'take'>>;

export type Feed = {
  /** The name of the cluster. */
  readonly name: string;
  /** Follows one kind of objects until the signal is aborted; never rejects. */
  readonly follow: <T>(resource: Resource, options: Followed<T>) => Promise<void>;
  /** Who changed these workloads last. */
  readonly who: (workloads: readonly Named[]) => Promise<Actors>;
};

export const kubeFeed = (kube: KubeClient): Feed => ({
  name: kube.access.name,
  follow: (resource, options) => watch(kube, pathOf(resource), options),
  who: (workloads) => askActors(kube, workloads),
});
