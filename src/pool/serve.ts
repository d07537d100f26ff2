import { setKernelModule } from '../kernels/load.js'

/** The first message to a worker: the kernels, and the port on which it is asked for tasks. */
export interface Greeting {
  readonly batl: 1
  readonly module: WebAssembly.Module
  readonly port: MessagePort
}

/** A request on a port; the answer is what the task returns. */
interface Request {
  readonly name: string
  readonly input: unknown
}

/** What a worker hears its first message on. */
interface Scope {
  addEventListener?(name: 'message', listener: (event: { data: unknown }) => void): void
  on?(name: 'message', listener: (data: unknown) => void): void
}

/** The other end of this worker: its global scope, or what Node's worker threads have in its place. */
function workerScope(): Scope {
  const threads = globalThis.process?.getBuiltinModule?.('node:worker_threads')
  return (threads?.parentPort as Scope | null | undefined) ?? (globalThis as Scope)
}

/** Answer requests for tasks, in a worker of any runtime. Tasks are functions of one input. */
export function serveTasks(tasks: object): void {
  const known = tasks as Readonly<Record<string, (input: unknown) => Promise<unknown>>>
  const greet = (data: unknown): void => {
    const greeting = data as Partial<Greeting> | null
    if (greeting?.batl !== 1 || greeting.module === undefined || greeting.port === undefined) return
    const { module, port } = greeting
    setKernelModule(module)
    port.onmessage = async ({ data }: MessageEvent<Request>) => port.postMessage(await known[data.name]!(data.input))
    port.postMessage('ready')
  }
  const scope = workerScope()
  if (scope.on !== undefined) scope.on('message', greet)
  else scope.addEventListener?.('message', ({ data }) => greet(data))
}
