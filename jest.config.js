/** Tests are TypeScript, compiled one by one; what they test is the built library, since workers and users run that. */
export default {
  testEnvironment: 'node',
  roots: ['<rootDir>/test'],
  testMatch: ['**/*.test.ts'],
  // These have runs of their own: `npm run test:runtimes` and `npm run test:rounds`.
  testPathIgnorePatterns: ['/node_modules/', '<rootDir>/test/(runtimes|package|rounds)/'],
  modulePathIgnorePatterns: ['<rootDir>/test/runtimes/.cache/'],
  extensionsToTreatAsEsm: ['.ts'],
  // Tests name their helpers `x.js`, as compiled TypeScript would: without its suffix `x.ts` is found as well.
  moduleFileExtensions: ['js', 'mjs', 'cjs', 'ts', 'json', 'node'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  transform: {
    '^.+\\.ts$': [
      'ts-jest',
      {
        useESM: true,
        diagnostics: false,
        tsconfig: {
          module: 'esnext',
          target: 'es2022',
          moduleResolution: 'bundler',
          esModuleInterop: true,
          isolatedModules: true,
          verbatimModuleSyntax: false,
        },
      },
    ],
  },
  maxWorkers: 2,
  testTimeout: 120_000,
  reporters: ['default', ...(process.env.BATL_TEST_COUNTS ? ['<rootDir>/test/count-reporter.js'] : [])],
}
