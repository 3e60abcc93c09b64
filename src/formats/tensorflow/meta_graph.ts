import { attribute, constant } from './attributes.ts';
import type { Graph } from './graph.ts';
import type { GraphVariable } from './layer_nodes.ts';
import { dataTypes, type MetaGraphDef, type SaverDef } from './messages.ts';
import { variableDefs } from './protos.ts';

const { string } = dataTypes;

/** The version of TensorFlow 1.15's graphs, which has all operations that we use. */
const producer = 134;

/** The nodes by which a Saver of TensorFlow 1 saves and restores these variables. */
function addSaver(graph: Graph, variables: GraphVariable[]): SaverDef {
  const names = constant.texts(variables.map(({ name }) => name));
  const slices = constant.texts(variables.map(() => ''));
  const dtypes = attribute.types(variables.map(({ type }) => type));
  const file = graph.constant('save/Const', constant.text('model'));
  const save = graph.add(
    'SaveV2',
    [
      file,
      graph.constant('save/SaveV2/tensor_names', names),
      graph.constant('save/SaveV2/shape_and_slices', slices),
      ...variables.map(({ read }) => read),
    ],
    { name: 'save/SaveV2', attributes: { dtypes } },
  );
  const saved = graph.add('Identity', [file, `^${save}`], {
    name: 'save/control_dependency',
    attributes: { T: attribute.type(string) },
  });
  const restore = graph.add(
    'RestoreV2',
    [
      file,
      graph.constant('save/RestoreV2/tensor_names', names),
      graph.constant('save/RestoreV2/shape_and_slices', slices),
    ],
    { name: 'save/RestoreV2', attributes: { dtypes } },
  );
  const assigned = variables.map(({ name, type }, index) => {
    const value = graph.add('Identity', [`${restore}:${index}`], {
      name: 'save/Identity',
      attributes: { T: attribute.type(type) },
    });
    const attributes = { dtype: attribute.type(type) };
    return graph.add('AssignVariableOp', [name, value], { name: 'save/AssignVariableOp', attributes });
  });
  return {
    filename_tensor_name: `${file}:0`,
    save_tensor_name: `${saved}:0`,
    restore_op_name: graph.add(
      'NoOp',
      assigned.map((name) => `^${name}`),
      { name: 'save/restore_all' },
    ),
    max_to_keep: 4,
    version: 2,
  };
}

function collection(key: string, variables: GraphVariable[]): MetaGraphDef['collection_def'][number] {
  const value = variables.map(({ name, read, initializer, initialValue, trainable }) =>
    variableDefs.encode({
      variable_name: `${name}:0`,
      initializer_name: initializer,
      snapshot_name: `${read}:0`,
      initial_value_name: `${initialValue}:0`,
      is_resource: true,
      trainable,
    }),
  );
  return { key, value: { bytes_list: { value } } };
}

/** The finished graph, with the nodes that save and restore its variables. */
export function metaGraphOf(graph: Graph, variables: GraphVariable[]): MetaGraphDef {
  const saver = addSaver(graph, variables);
  return {
    meta_info_def: { tags: [], tensorflow_version: '1.15.0' },
    graph_def: { node: graph.nodes, versions: { producer, min_consumer: 0 } },
    saver_def: saver,
    collection_def: [
      collection('variables', variables),
      collection(
        'trainable_variables',
        variables.filter(({ trainable }) => trainable),
      ),
    ],
    signature_def: [],
  };
}
