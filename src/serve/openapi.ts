import { mediaTypes } from './bodies.ts';
import { maxPictures } from './multipart.ts';

const problem = (description: string, headers = {}) => ({
  description,
  headers,
  content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
});

const retryAfter = {
  'Retry-After': { description: 'Seconds to wait before trying again.', schema: { type: 'integer' } },
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
      checkpoint: { type: 'string', description: 'The checkpoint that was used.' },
      answers: {
        type: 'array',
        description: 'One per picture, in the order of the request.',
        items: { anyOf: [{ $ref: '#/components/schemas/Answer' }, { $ref: '#/components/schemas/Unread' }] },
      },
    },
  },
  Answer: {
    type: 'object',
    required: ['classes'],
    properties: {
      name: { type: 'string', description: 'The name that was sent with the picture.' },
      answered: {
        type: 'array',
        items: { type: 'string' },
        description:
          'The classes that the picture shows, most likely first; only present where it can show several, or none.',
      },
      classes: {
        type: 'array',
        description: 'All classes, most likely first.',
        items: {
          type: 'object',
          required: ['class', 'probability'],
          properties: {
            class: { type: 'string' },
            probability: { type: 'number', minimum: 0, maximum: 1 },
          },
        },
      },
      unknown: {
        type: 'boolean',
        description:
          'Whether the picture is of none of the classes; only present where the network was trained to say so.',
      },
      distance: {
        type: 'number',
        minimum: 0,
        description: 'How far the picture is from what the network knows; above 1 it is unknown.',
      },
      heatMap: {
        type: ['string', 'null'],
        contentEncoding: 'base64',
        contentMediaType: 'image/png',
        description:
          'Grad-CAM of the likeliest class, an overlay for the picture. Only present if requested; null if the network has no convolution.',
      },
    },
  },
  Model: {
    type: 'object',
    required: ['checkpoint', 'classes', 'width', 'height', 'channels', 'fit', 'crop', 'heatMaps'],
    properties: {
      checkpoint: { type: 'string' },
      classes: { type: 'array', items: { type: 'string' }, description: 'In the network’s order.' },
      thresholds: {
        type: 'array',
        items: { type: 'number', minimum: 0, maximum: 1 },
        description:
          'The probability from which each class is answered; only present where a picture can show several.',
      },
      width: { type: 'integer', description: 'Width of the network’s input in pixels.' },
      height: { type: 'integer', description: 'Height of the network’s input in pixels.' },
      channels: { enum: [1, 3] },
      fit: { enum: ['fill', 'cover', 'contain'], description: 'How pictures are fitted to that size.' },
      crop: {
        type: 'number',
        exclusiveMinimum: 0,
        maximum: 1,
        description: 'Share of height and width, around the centre, that is used.',
      },
      heatMaps: { type: 'boolean', description: 'Whether heat maps are available.' },
    },
  },
  Unread: {
    type: 'object',
    required: ['error'],
    properties: {
      name: { type: 'string', description: 'The name that was sent with the picture.' },
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
      detail: { type: 'string', description: 'What is wrong and what to do.' },
    },
  },
};

const predict = {
  operationId: 'predict',
  summary: 'Classify pictures',
  parameters: [
    {
      name: 'heatmap',
      in: 'query',
      description: 'Whether to add a heat map of where the network sees the class.',
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
        'The answers. If there are several pictures, one that cannot be read has an error instead.',
      content: { 'application/json': { schema: { $ref: '#/components/schemas/Answers' } } },
    },
    400: problem('The request is not as described here.'),
    401: problem('The token is missing or wrong.'),
    403: problem('The request is from a page of another site, or its Host is not this machine.'),
    408: problem('The request took too long to arrive.'),
    413: problem('Too many bytes or pictures.'),
    415: problem(`The body is none of ${mediaTypes}, or is compressed.`),
    422: problem('None of the pictures can be read.'),
    429: problem('Too many pictures are waiting.', retryAfter),
    503: problem('The answer took too long.', retryAfter),
  },
};

/** Describes the HTTP API in OpenAPI 3.1. @param withToken whether it requires a bearer token. */
export function describeApi(version: string, withToken: boolean) {
  const security = withToken ? { security: [{ token: [] }] } : {};
  const get = (operationId: string, summary: string, responses: object, more = {}) => ({
    get: { operationId, summary, responses, ...more },
  });
  return {
    openapi: '3.1.0',
    info: { title: 'bat-sup', version, description: 'Classifies pictures with a trained network.' },
    paths: {
      '/predict': { post: { ...predict, ...security } },
      '/model': get(
        'model',
        'The network in use',
        {
          200: {
            description: 'Its input size and classes.',
            content: { 'application/json': { schema: { $ref: '#/components/schemas/Model' } } },
          },
        },
        security,
      ),
      '/healthz': get('isAlive', 'Whether the server is running', { 200: text('It is.') }),
      '/readyz': get('isReady', 'Whether the server accepts requests', {
        200: text('It does.'),
        503: text('It is shutting down.'),
      }),
      '/metrics': get(
        'metrics',
        'Metrics for Prometheus',
        { 200: text('Prometheus text format.') },
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
