import { mediaTypes } from './bodies.ts';
import { maxPictures } from './multipart.ts';

const problem = (description: string, headers = {}) => ({
  description,
  headers,
  content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
});

const retryAfter = {
  'Retry-After': { description: 'Seconds after which to try again.', schema: { type: 'integer' } },
};

const binary = { type: 'string', contentMediaType: 'application/octet-stream' };
const text = (description: string, mediaType = 'text/plain') => ({
  description,
  content: { [mediaType]: { schema: { type: 'string' } } },
});

const schemas = {
  Answers: {
    type: 'object',
    required: ['checkpoint', 'answers'],
    properties: {
      checkpoint: { type: 'string', description: 'The checkpoint that has answered.' },
      answers: {
        type: 'array',
        description: 'One for each picture, in the request’s order.',
        items: { anyOf: [{ $ref: '#/components/schemas/Answer' }, { $ref: '#/components/schemas/Unread' }] },
      },
    },
  },
  Answer: {
    type: 'object',
    required: ['classes'],
    properties: {
      name: { type: 'string', description: 'As the picture was sent.' },
      classes: {
        type: 'array',
        description: 'All classes, the likeliest first.',
        items: {
          type: 'object',
          required: ['class', 'probability'],
          properties: {
            class: { type: 'string' },
            probability: { type: 'number', minimum: 0, maximum: 1 },
          },
        },
      },
      heatMap: {
        type: ['string', 'null'],
        contentEncoding: 'base64',
        contentMediaType: 'image/png',
        description:
          'Grad-CAM of the likeliest class, to lay over the picture, where it was asked for; null where the network has no convolution.',
      },
    },
  },
  Model: {
    type: 'object',
    required: ['checkpoint', 'classes', 'width', 'height', 'channels', 'fit', 'heatMaps'],
    properties: {
      checkpoint: { type: 'string' },
      classes: { type: 'array', items: { type: 'string' }, description: 'In the network’s order.' },
      width: { type: 'integer', description: 'Pixels that the network reads.' },
      height: { type: 'integer' },
      channels: { enum: [1, 3] },
      fit: { enum: ['fill', 'cover', 'contain'], description: 'How a picture is brought to that size.' },
      heatMaps: { type: 'boolean', description: 'Whether there are heat maps.' },
    },
  },
  Unread: {
    type: 'object',
    required: ['error'],
    properties: {
      name: { type: 'string', description: 'As the picture was sent.' },
      error: { type: 'string', description: 'Why this picture cannot be read.' },
    },
  },
  SentPictures: {
    type: 'object',
    required: ['pictures'],
    properties: {
      pictures: {
        type: 'array',
        minItems: 1,
        maxItems: maxPictures,
        items: {
          type: 'object',
          required: ['data'],
          properties: { data: { type: 'string', contentEncoding: 'base64' }, name: { type: 'string' } },
        },
      },
    },
  },
  Problem: {
    type: 'object',
    description: 'RFC 9457',
    required: ['type', 'title', 'status', 'detail'],
    properties: {
      type: { type: 'string', format: 'uri-reference' },
      title: { type: 'string' },
      status: { type: 'integer' },
      detail: { type: 'string', description: 'What is wrong, and what to do.' },
    },
  },
};

const predict = {
  operationId: 'predict',
  summary: 'Tell the class of pictures',
  parameters: [
    {
      name: 'heatmap',
      in: 'query',
      description: 'Also where in the picture the network sees its class.',
      schema: { type: 'boolean', default: false },
    },
  ],
  requestBody: {
    required: true,
    content: {
      'image/*': { schema: binary },
      'application/octet-stream': { schema: binary },
      'multipart/form-data': {
        schema: { type: 'object', additionalProperties: binary, maxProperties: maxPictures },
      },
      'application/json': { schema: { $ref: '#/components/schemas/SentPictures' } },
    },
  },
  responses: {
    200: {
      description:
        'Answers; where there are several pictures, one that cannot be read has an error in its place.',
      content: { 'application/json': { schema: { $ref: '#/components/schemas/Answers' } } },
    },
    400: problem('The request is not as described here.'),
    401: problem('The token is missing or wrong.'),
    403: problem('A page of another site asks, or the Host is not this machine.'),
    408: problem('The request took too long to arrive.'),
    413: problem('Too many bytes or pictures.'),
    415: problem(`The body is none of ${mediaTypes}, or is compressed.`),
    422: problem('None of the pictures can be read.'),
    429: problem('Too many pictures are waiting.', retryAfter),
    503: problem('The answer took too long.', retryAfter),
  },
};

/** What the server understands, in OpenAPI 3.1. @param withToken whether a bearer token is asked for. */
export function describeApi(version: string, withToken: boolean) {
  const security = withToken ? { security: [{ token: [] }] } : {};
  const get = (operationId: string, summary: string, responses: object, more = {}) => ({
    get: { operationId, summary, responses, ...more },
  });
  return {
    openapi: '3.1.0',
    info: { title: 'bat-sup', version, description: 'Asks a trained network about pictures.' },
    paths: {
      '/predict': { post: { ...predict, ...security } },
      '/model': get(
        'model',
        'The network that answers',
        {
          200: {
            description: 'What it reads and tells.',
            content: { 'application/json': { schema: { $ref: '#/components/schemas/Model' } } },
          },
        },
        security,
      ),
      '/healthz': get('isAlive', 'Whether it runs', { 200: text('It does.') }),
      '/readyz': get('isReady', 'Whether it takes requests', {
        200: text('It does.'),
        503: text('It is shutting down.'),
      }),
      '/metrics': get(
        'metrics',
        'Figures for Prometheus',
        { 200: text('Prometheus’s text format.') },
        security,
      ),
      '/openapi.json': get('describe', 'This description', {
        200: { description: 'OpenAPI 3.1.', content: { 'application/json': { schema: { type: 'object' } } } },
      }),
    },
    components: {
      schemas,
      ...(withToken && { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } }),
    },
  };
}
