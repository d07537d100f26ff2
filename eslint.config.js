import tseslint from 'typescript-eslint'

/**
 * Who may import whom (CONTRIBUTING.md has the same table). Whatever a folder's list does not allow is an error, so a new
 * dependency between folders is a decision, made here.
 * @param {string} files - glob of the folder.
 * @param {string[]} allowed - beginnings of the imports it may use, as regular expressions in which a dot is a dot.
 * @param {string[]} typesOf - those of which it may use only types, which are gone once compiled.
 */
function mayImport(files, allowed, typesOf = []) {
  const list = (/** @type {string[]} */ starts) => starts.map((start) => start.replaceAll('.', '\\.')).join('|')
  const seeTable = 'see CONTRIBUTING.md'
  const patterns = [
    {
      regex: `^(?!${list([...allowed, ...typesOf])})`,
      message: `${files} may import only ${allowed.join(', ')}; ${seeTable}`,
    },
  ]
  if (typesOf.length > 0) {
    const message = `${files} may import only types of ${typesOf.join(', ')}; ${seeTable}`
    patterns.push({ regex: `^(${list(typesOf)})`, message, allowTypeImports: true })
  }
  return { files: [files], rules: { '@typescript-eslint/no-restricted-imports': ['error', { patterns }] } }
}

/** Without `train/`: only what trains loads it, by `await import()`, which no list restricts. */
const BELOW_POOL = [
  '../base/',
  '../codes/',
  '../tree/',
  '../eval/',
  '../io/',
  '../kernels/',
  '../partition/',
  '../search/',
]

const layers = [
  mayImport('assembly/**/*.ts', ['./']),
  mayImport('src/base/**', ['./']),
  mayImport('src/tree/**', ['./', '../base/']),
  mayImport('src/eval/**', ['./', '../base/', '../tree/']),
  mayImport('src/io/**', ['./', '../base/', '#io']),
  mayImport('src/io/node.ts', ['./', '../base/', 'node:']),
  mayImport('src/format/**', ['./', '../base/', '../tree/', '../codes/shape.js', '../codes/leaves.js', '../kernels/']),
  mayImport('src/kernels/**', ['./', '../base/', '#wasm(?!-build)']),
  mayImport('src/kernels/load-build.ts', ['./', '#wasm-build']),
  mayImport('src/train/**', ['./', '../base/', '../kernels/', '../tree/']),
  mayImport('src/train/tf.ts', [
    './',
    '../base/',
    '../tree/',
    '@tensorflow/',
    '#io',
    '#native-trainer',
    '#trainer-packages',
  ]),
  mayImport('src/train/packages*.ts', ['./', '../base/own-require.js', '@tensorflow/']),
  mayImport('src/base/linear-algebra*.ts', ['./', 'ml-matrix']),
  mayImport('src/base/own-require.ts', ['node:module']),
  mayImport('src/codes/**', ['./', '../base/', '../tree/', '../kernels/', '#linear-algebra']),
  mayImport('src/partition/**', ['./', '../base/', '../tree/', '../kernels/']),
  mayImport('src/search/**', ['./', '../base/', '../tree/', '../kernels/', '../codes/']),
  mayImport('src/pool/**', ['./', ...BELOW_POOL], ['../train/']),
  mayImport('src/pool/piscina*ts', ['./', ...BELOW_POOL, 'piscina', 'node:']),
  mayImport('src/builder/**', ['./', '../(?!train/|cli)', '#threads'], ['../train/']),
  mayImport('src/builder/{piscina-director,threads-node}.ts', ['./', '../(?!train/|cli)', 'node:']),
  mayImport('src/*.ts', ['./(?!cli|train/)', '#io', '#search-threads', '#threads']),
  mayImport('src/cli.ts', ['./cli/', './index.js', 'commander', 'node:']),
  mayImport('src/bin.ts', ['./cli.js']),
  mayImport('src/cli/**', ['./', '../index.js', '../io/vectors.js', 'commander', 'cli-progress', 'node:']),
  mayImport('examples/**', ['./', 'batl', 'cli-progress', 'node:']),
  mayImport('examples/fastify/**', ['./', 'batl', 'fastify', 'piscina', 'node:']),
  // It makes the demo's data the way that test/fixtures/make.js makes the tests'.
  mayImport('examples/demo/make-data.js', ['../../test/fixtures/', 'node:']),
  // Benches look inside the built library; they hold no code that it needs.
  mayImport('bench/**', ['./', '../(?!../)', '../../build/', 'benchmark', 'node:']),
  mayImport('bench/kernels/**', ['./', '../(?!../)', '../../build/', 'benchmark', 'typescript', 'node:']),
  mayImport('bench/report/**', ['./', '../(?!../)', 'echarts', 'node:']),
]

export default tseslint.config(
  { ignores: ['build/', 'docs/api/', 'coverage/', 'node_modules/', 'bench/.cache/', 'test/runtimes/.cache/'] },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  ...tseslint.configs.recommended,
  {
    rules: {
      eqeqeq: 'error',
      'no-console': 'error',
      'no-constant-condition': 'error',
      'no-debugger': 'error',
      'no-dupe-else-if': 'error',
      'no-duplicate-imports': ['error', { allowSeparateTypeImports: true }],
      'no-empty': 'error',
      'no-self-compare': 'error',
      'no-template-curly-in-string': 'error',
      'no-unreachable-loop': 'error',
      'no-useless-escape': 'error',
      'no-restricted-exports': ['error', { restrictDefaultExports: { direct: true, named: true, defaultFrom: true } }],
      'max-lines': ['error', { max: 400 }],
      'prefer-const': ['error', { destructuring: 'all' }],
      '@typescript-eslint/consistent-type-imports': [
        'error',
        { fixStyle: 'inline-type-imports', disallowTypeAnnotations: false },
      ],
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
    },
  },
  {
    // What only types can tell: a promise that nobody waits for.
    files: ['src/**/*.ts'],
    languageOptions: { parserOptions: { project: './tsconfig.json', tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/only-throw-error': 'error',
    },
  },
  {
    // Kernels are static methods, because `@inline` on a plain function is no TypeScript; their types are AssemblyScript's.
    files: ['assembly/**'],
    rules: {
      '@typescript-eslint/no-extraneous-class': 'off',
      // AssemblyScript's two are the same for numbers, and a value that differs from itself is NaN.
      eqeqeq: 'off',
      'no-self-compare': 'off',
    },
  },
  {
    // CommonJS requires.
    files: ['src/**/*.cts'],
    rules: { '@typescript-eslint/no-require-imports': 'off' },
  },
  {
    // Tools ask for a default export.
    files: ['*.config.js', 'test/count-reporter.js', 'test/runtimes/setup.js', 'test/runtimes/programs/edge.js'],
    rules: { 'no-restricted-exports': 'off' },
  },
  { files: ['examples/**', 'bench/**', 'test/**'], rules: { 'no-console': 'off' } },
  {
    // Programs that are only compiled name things that nobody uses.
    files: ['test/package/consumers/**'],
    rules: { '@typescript-eslint/no-unused-vars': 'off' },
  },
  ...layers,
)
