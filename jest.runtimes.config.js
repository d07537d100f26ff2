import base from './jest.config.js'

/** Tests of the packed package, in every runtime and bundler: they install those, so they are a run of their own. */
export default {
  ...base,
  roots: ['<rootDir>/test/runtimes', '<rootDir>/test/package'],
  testPathIgnorePatterns: ['/node_modules/', '/\\.cache/'],
  modulePathIgnorePatterns: ['/\\.cache/'],
  globalSetup: '<rootDir>/test/runtimes/setup.js',
  // Each test is a process or several; two at a time would only wait for each other.
  maxWorkers: 1,
  testTimeout: 300_000,
}
