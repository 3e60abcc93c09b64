import type { Settings } from '../config/index.ts';
import { soonestEngine } from '../engine/engine.ts';
import type { StartedFeatureNetwork, StartFeatureNetwork } from '../transfer/feature_network.ts';
import type { Start } from '../transfer/new_head.ts';
import { checkpointPlace } from './chosen_checkpoint.ts';
import { notice } from './notice.ts';

export const featureNetworkFlag = [
  '--checkpoint <folder>',
  'take features from this checkpoint or run (default: the pre-trained network)',
] as const;

/**
 * Makes a function that starts the engine that computes so many pictures soonest, and on it the network that features come
 * from, which is read once. It throws a UserError where there is none.
 * @param checkpoint the value of --checkpoint.
 */
export function featureNetworkStarter(
  settings: Settings,
  checkpoint: string | undefined,
): StartFeatureNetwork {
  const { checkpoints } = settings;
  const place = checkpoint === undefined ? undefined : checkpointPlace(checkpoint, checkpoints);
  let stored: Promise<Start> | undefined;
  return async (pictures) => {
    const { chooseFeatureNetwork, openFeatureNetwork } = await import('../transfer/feature_network.ts');
    const { startEngine } = await import('../engine/index.ts');
    stored ??= chooseFeatureNetwork({ place, checkpoints }, notice);
    const start = await stored;
    const engine = await startEngine(soonestEngine(settings.engine, pictures), settings);
    const network = openFeatureNetwork(start, notice);
    return {
      network,
      async close() {
        await network.dispose();
        await engine.dispose();
      },
    };
  };
}

/** Starts the network that features of many pictures come from. @throws {UserError} where there is none. */
export function startFeatureNetwork(
  settings: Settings,
  checkpoint: string | undefined,
): Promise<StartedFeatureNetwork> {
  return featureNetworkStarter(settings, checkpoint)(Number.POSITIVE_INFINITY);
}
