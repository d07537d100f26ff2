import { Pace } from '../format/pace.js'
import { dropWork } from '../pool/arenas.js'
import { HerePool, type NamedArena } from '../pool/here.js'
import { directBuild, type DirectorOutput, type DirectorTask, type ProgressMessage } from './director.js'

/**
 * Run a build on this thread, where there are no others: in blocks, with turns of the event loop in between.
 * @throws the signal's reason once it has aborted, and what `say` throws.
 */
export async function directHere(
  task: DirectorTask,
  memory: NamedArena,
  signal: AbortSignal | undefined,
  say: (message: ProgressMessage) => void,
): Promise<DirectorOutput> {
  const pace = new Pace(signal)
  const pool = new HerePool(memory, pace)
  try {
    return await directBuild(task, {
      pool,
      say,
      // The caller's thread collects its garbage when it likes.
      rest: async () => dropWork(),
      prepareTraining: () => undefined,
      endTraining: async () => undefined,
      train: async (request, report) => {
        const { runTraining } = await import('#trainer')
        return runTraining(request, (done, total) => {
          report('train', done, total)
          return pace.turn()
        })
      },
    })
  } finally {
    await pool.close()
  }
}
