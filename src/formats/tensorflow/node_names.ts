/** The node that an input names by its first output: 'Relu', 'Relu:0'. A layer reads no other outputs. */
export const nodeOf = (input: string): string => (input.endsWith(':0') ? input.slice(0, -2) : input);

/** Not '^node', which only has to run before. */
export const isData = (input: string): boolean => !input.startsWith('^');
