import type { Settings } from '../config/index.ts';
import type { FeatureNetwork } from '../transfer/feature_network.ts';
import { checkpointPlace } from './chosen_checkpoint.ts';
import { notice } from './notice.ts';

export const featureNetworkFlag = [
  '--checkpoint <folder>',
  'take features from this checkpoint or run (default: the pre-trained network)',
] as const;

/**
 * Starts an engine and the network that features come from.
 * @param checkpoint the value of --checkpoint.
 * @throws {UserError} where there is none.
 */
export async function startFeatureNetwork(
  settings: Settings,
  checkpoint: string | undefined,
): Promise<{ network: FeatureNetwork; close(): Promise<void> }> {
  const { chooseFeatureNetwork, openFeatureNetwork } = await import('../transfer/feature_network.ts');
  const { startEngine } = await import('../engine/index.ts');
  const { checkpoints } = settings;
  const place = checkpoint === undefined ? undefined : checkpointPlace(checkpoint, checkpoints);
  const stored = await chooseFeatureNetwork({ place, checkpoints }, notice);
  const engine = await startEngine(settings.engine, settings);
  const network = openFeatureNetwork(stored, notice);
  return {
    network,
    async close() {
      await network.dispose();
      await engine.dispose();
    },
  };
}
