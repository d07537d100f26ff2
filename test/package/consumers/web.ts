/** What only programs with a runtime's own types can write. */
import { BatlIndex, init } from 'batl'

export async function withGlobals(controller: AbortController, blob: Blob): Promise<void> {
  const { signal } = controller
  const index = await BatlIndex.open(blob, { signal })
  await BatlIndex.open(new URL('x.batl', 'https://localhost/'))
  await BatlIndex.build(new URL('rows.fbin', 'file:///'), { signal })
  await index.save(new URL('file:///y.batl'), { signal })
  await init({ wasm: fetch('kernels.wasm'), trainerBase: new URL('https://localhost/trainer/') })
  // @ts-expect-error no signal
  await index.searchBatch([[1]], { signal: 5 })
}
