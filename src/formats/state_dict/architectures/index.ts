import type { StateDictArchitecture } from '../architecture.ts';
import { efficientNetLite, stagedEfficientNetLite } from './efficientnet_lite.ts';
import { mobileNetV2 } from './mobilenet_v2.ts';
import { resnet } from './resnet.ts';
import { timmEfficientNetLite, timmMobileNetV2, timmTfEfficientNetLite } from './timm_mobile.ts';

/** Every network that a state_dict's names tell. */
export const stateDictArchitectures: StateDictArchitecture[] = [
  resnet,
  mobileNetV2,
  timmMobileNetV2,
  timmEfficientNetLite,
  timmTfEfficientNetLite,
  efficientNetLite,
  stagedEfficientNetLite,
];
