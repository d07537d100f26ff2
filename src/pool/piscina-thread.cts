/** What a thread is asked for: a task by its name, of the module at an address. */
interface Request {
  readonly file: string
  readonly task: string
  readonly input: unknown
}

type Tasks = Readonly<Record<string, (input: unknown) => unknown>>

/**
 * The file that threads of Piscina start with. Piscina tries `require` first, and a thread that is ended while it requires
 * an ES module takes the whole process with it in Node 20 and 22 (`v8::Module::IsGraphAsync`): so it requires this, which
 * imports.
 */
async function perform({ file, task, input }: Request): Promise<unknown> {
  const tasks = (await import(file)) as Tasks
  return tasks[task]!(input)
}

export = perform
