/** The worker thread of inspect.ts. */
import { workerData } from 'node:worker_threads';
import { makeJpegInspector } from './inspect_jpegs.ts';

export default makeJpegInspector(workerData);
