import threads = require('node:worker_threads')

/** What a thread is asked for: a task by its name. */
interface Request {
  readonly task: string
  readonly input: unknown
}

type Tasks = Readonly<Record<string, (input: unknown) => unknown>>

/**
 * The file that threads of Piscina start with. Piscina tries `require` first, and a thread that is ended while it requires
 * an ES module takes the whole process with it in Node 20 and 22 (`v8::Module::IsGraphAsync`): so it requires this, which
 * imports the file of the thread's tasks, at once.
 */
const loading = import((threads.workerData as { file: string }).file) as Promise<Tasks>
// Who asks for a task hears of its failure.
loading.catch(() => undefined)

async function perform({ task, input }: Request): Promise<unknown> {
  const tasks = await loading
  return tasks[task]!(input)
}

export = perform
