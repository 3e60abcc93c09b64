export { type EventWriter, openEventWriter } from './event_writer.ts';
export { networkGraph } from './graph.ts';
