import { createRequire } from 'node:module'

/**
 * A `require` that finds some packages, in Node, which reads CommonJS in a third of the time or less by it: `import` reads the text
 * twice more, for its kind and for names. Undefined where it finds one of them not: a bundle that lies away from the packages
 * has them in itself, by `import`.
 */
export function ownRequire(...names: readonly string[]): NodeJS.Require | undefined {
  try {
    const require = createRequire(import.meta.url)
    for (const name of names) require.resolve(name)
    return require
  } catch {
    return undefined
  }
}
