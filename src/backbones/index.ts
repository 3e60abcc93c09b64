export { type Backbone, backboneNamed, backbones } from './catalogue.ts';
export { ensureBackbone, type InstallEvents, installBackbone, removeBackbone } from './install.ts';
export * from './names.ts';
export { backboneFolder, backboneState, findBackbone } from './stored.ts';
