export { type Backbone, type BackboneName, backboneNamed, backboneNames, backbones } from './catalogue.ts';
export { ensureBackbone, type InstallEvents, installBackbone, removeBackbone } from './install.ts';
export { backboneFolder, backboneState, findBackbone } from './stored.ts';
