import * as proto from '../protobuf.ts';
import { dataClass, numbersTensor, summaryValue } from '../summary.ts';

/**
 * Summaries for the HPARAMS tab (tensorboard/plugins/hparams/summary.py; api.proto and plugin_data.proto): an experiment
 * lists the settings and metrics, and a session has the values of one run.
 */

export type HparamValue = string | number | boolean;

/** The last value of a tag in a folder of the run, e.g. { folder: 'validation', tag: 'accuracy' }. */
export interface Metric {
  folder: string;
  tag: string;
  /** Heading of its column. */
  name: string;
}

/** DataType numbers of api.proto. */
const types = { string: 1, boolean: 2, number: 3 };
/** Status numbers of api.proto. */
const statuses = { success: 1, failure: 2 };

/**
 * HParamsPluginData: experiment = 2, session_start_info = 3, session_end_info = 4. The tensor of the value is empty.
 */
function pluginData(tag: string, field: number, message: Buffer): Buffer {
  const dashboard = {
    plugin: 'hparams',
    dataClass: dataClass.tensor,
    content: proto.message(field, message),
  };
  return summaryValue(`_hparams_/${tag}`, numbersTensor([0], new Float32Array()), dashboard);
}

/** google.protobuf.Value (struct.proto): number_value = 2, string_value = 3, bool_value = 4. */
function encodeValue(value: HparamValue): Buffer {
  if (typeof value === 'number') return proto.double(2, value);
  return typeof value === 'string' ? proto.bytes(3, value) : proto.varint(4, Number(value));
}

/**
 * HParamInfo: name = 1, type = 4, differs = 7. MetricInfo: name = 1 (of group = 1 and tag = 2), display_name = 3.
 * @param shown settings whose columns are visible at first. TensorBoard shows up to five of those marked as differing.
 */
export function experimentSummary(
  hparams: Record<string, HparamValue>,
  metrics: Metric[],
  shown: string[],
): Buffer {
  const hparamInfos = Object.entries(hparams).map(([name, value]) => {
    const type = types[typeof value as keyof typeof types];
    const differs = proto.varint(7, Number(shown.includes(name)));
    return proto.message(4, proto.bytes(1, name), proto.varint(4, type), differs);
  });
  const metricInfos = metrics.map(({ folder, tag, name }) =>
    proto.message(5, proto.message(1, proto.bytes(1, folder), proto.bytes(2, tag)), proto.bytes(3, name)),
  );
  return pluginData('experiment', 2, Buffer.concat([...hparamInfos, ...metricInfos]));
}

/** SessionStartInfo: hparams = 1 (a map), start_time_secs = 5. */
export function sessionStartSummary(hparams: Record<string, HparamValue>): Buffer {
  const values = Object.entries(hparams).map(([name, value]) => proto.mapEntry(1, name, encodeValue(value)));
  return pluginData('session_start_info', 3, Buffer.concat([...values, proto.double(5, Date.now() / 1000)]));
}

/** SessionEndInfo: status = 1, end_time_secs = 2. */
export function sessionEndSummary(status: keyof typeof statuses): Buffer {
  return pluginData(
    'session_end_info',
    4,
    Buffer.concat([proto.varint(1, statuses[status]), proto.double(2, Date.now() / 1000)]),
  );
}
