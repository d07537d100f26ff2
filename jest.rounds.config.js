import base from './jest.config.js'

/** Many builds, one after the other: minutes, so they are a run of their own. */
export default {
  ...base,
  roots: ['<rootDir>/test/rounds'],
  testPathIgnorePatterns: ['/node_modules/'],
  testTimeout: 1_200_000,
}
