/** What only programs that know WebAssembly can write. */
import { init } from 'batl'

export async function withModule(module: WebAssembly.Module): Promise<void> {
  await init({ wasm: module })
  await init({ wasm: await WebAssembly.compile(new Uint8Array(8)) })
}
