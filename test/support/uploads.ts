import type { Uploads } from '../../src/uploads/uploads.ts';

/** For tests whose messages bring no files. */
export const NO_UPLOADS: Uploads = {
  receive: () => Promise.reject(new Error('No file was expected')),
  keep: () => {},
  discard: async () => {},
  forget: async () => {},
  pathOf: () => '',
};
