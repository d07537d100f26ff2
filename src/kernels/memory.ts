import { CapacityError, InvalidArgumentError } from '../base/errors.js'
import { ALIGNMENT, align64 } from '../base/align.js'
import { numberIn } from '../base/options.js'
import { instantiateKernels, type KernelExports } from './kernels.js'
import { kernelModule, kernelsShare } from './load.js'
import { isShared } from '../base/shared.js'

const PAGE = 65_536
/** Pages of 32-bit addresses: 4 GiB. */
const MAX_PAGES = 65_536
/** The least that a memory grows by, in bytes: many small allocations then grow it seldom. */
const GROWTH = 1 << 20

interface Block {
  address: number
  bytes: number
}

interface ViewType<T> {
  readonly BYTES_PER_ELEMENT: number
  new (buffer: ArrayBufferLike, address: number, length: number): T
}

/**
 * One memory, and this thread's kernels and allocations in it.
 *
 * Each thread that attaches hands out only what itself added to the memory, so threads need no lock:
 * ```
 * | kernel constants | creator's bytes | bytes of whoever grew it next | ...    at most 4 GiB
 * 0                  heap base, up to a line
 * ```
 * Free bytes are kept zero, ordered by address, neighbours joined.
 *
 * Where threads cannot share memory it is a plain one, which has one thread. When that grows, views taken before have no
 * length any more: so take views after the last allocation, and anew after whatever else may have allocated.
 */
export class Arena {
  static #common: Arena | undefined
  readonly memory: WebAssembly.Memory
  readonly kernels: KernelExports
  /** Whether other threads can attach. */
  readonly shared: boolean
  readonly #module: WebAssembly.Module
  /** Whether small indexes share it. */
  isCommon = false
  readonly #free: Block[] = []
  readonly #taken = new Map<number, number>()

  private constructor(memory: WebAssembly.Memory) {
    this.memory = memory
    this.shared = isShared(memory.buffer)
    this.#module = kernelModule()
    this.kernels = instantiateKernels(this.#module, memory)
  }

  /**
   * A new memory with room for `bytes`; it grows when more is asked for.
   * @throws {CapacityError} BATL_CAPACITY where 4 GiB, or what the system gives, do not suffice.
   */
  static create(bytes = 0): Arena {
    checkBytes('bytes', bytes)
    const initial = Math.ceil((bytes + PAGE) / PAGE)
    const room = { initial, maximum: MAX_PAGES, shared: kernelsShare() }
    const arena = new Arena(orRefuse(bytes, 0, () => new WebAssembly.Memory(room)))
    const base = align64(arena.kernels.heapBase() >>> 0)
    arena.#release({ address: base, bytes: initial * PAGE - base })
    return arena
  }

  /** The arena that small indexes of this thread share: one for the kernels of searching, one more where others were loaded. */
  static common(): Arena {
    let common = Arena.#common
    if (common === undefined || common.#module !== kernelModule()) {
      common = Arena.#common = Arena.create()
      common.isCommon = true
    }
    return common
  }

  /** Another thread's memory: everything in it can be read, and what is allocated here is added to it. */
  static attach(memory: WebAssembly.Memory): Arena {
    return new Arena(memory)
  }

  /**
   * Take zeroed bytes: the first free block that suffices, else more memory.
   * @returns the address, a multiple of 64.
   * @throws {CapacityError} BATL_CAPACITY, in bytes, where 4 GiB, or what the system gives, are spent.
   */
  allocate(bytes: number): number {
    checkBytes('bytes', bytes)
    const wanted = Math.max(ALIGNMENT, align64(bytes))
    const first = (): Block | undefined => this.#free.find((block) => block.bytes >= wanted)
    while (first() === undefined) this.#grow(wanted)
    const address = this.#take(first()!, wanted)
    this.#taken.set(address, wanted)
    return address
  }

  /** Take the start of a free block. */
  #take(block: Block, bytes: number): number {
    const { address } = block
    block.address += bytes
    block.bytes -= bytes
    if (block.bytes === 0) this.#free.splice(this.#free.indexOf(block), 1)
    return address
  }

  /**
   * Lengthen in place what `allocate` returned last, with zeroed bytes: for what grows with what arrives.
   * @throws {CapacityError} BATL_CAPACITY where the memory cannot grow.
   */
  extend(address: number, bytes: number): void {
    const taken = this.#taken.get(address)
    if (taken === undefined) throw notAllocated(address)
    const more = align64(bytes) - taken
    if (more <= 0) return
    const end = address + taken
    const next = (): Block | undefined => this.#free.find((block) => block.address === end)
    // By shares of what there is, so that many small steps grow the memory seldom.
    while ((next()?.bytes ?? 0) < more) this.#grow(Math.max(more, Math.ceil(taken / 8)))
    this.#take(next()!, more)
    this.#taken.set(address, taken + more)
  }

  /**
   * Give back what `allocate` of this arena returned.
   * @throws {InvalidArgumentError} BATL_INVALID_ARGUMENT where it did not, or was given back already.
   */
  free(address: number): void {
    const bytes = this.#taken.get(address)
    if (bytes === undefined) throw notAllocated(address)
    this.#taken.delete(address)
    // Shared memory is filled element by element, so by larger ones.
    this.u32(address, bytes / 4).fill(0)
    this.#release({ address, bytes })
  }

  /** Bytes at an address, on the memory as it is now. Each view throws InvalidArgumentError out of range or alignment. */
  u8(address: number, length: number): Uint8Array {
    return this.#view(Uint8Array, address, length)
  }

  /** 16-bit integers at an address, a multiple of 2. */
  i16(address: number, length: number): Int16Array {
    return this.#view(Int16Array, address, length)
  }

  /** Floats at an address, a multiple of 4. */
  f32(address: number, length: number): Float32Array {
    return this.#view(Float32Array, address, length)
  }

  /** Unsigned integers at an address, a multiple of 4. */
  u32(address: number, length: number): Uint32Array {
    return this.#view(Uint32Array, address, length)
  }

  #view<T>(type: ViewType<T>, address: number, length: number): T {
    checkBytes('address', address)
    checkBytes('length', length)
    const { buffer } = this.memory
    const size = type.BYTES_PER_ELEMENT
    if (address % size === 0 && address + length * size <= buffer.byteLength) return new type(buffer, address, length)
    throw new InvalidArgumentError(
      'address',
      `${length} elements of ${size} bytes at address ${address} do not lie at a multiple of ${size} in the ${buffer.byteLength} bytes of the memory`,
    )
  }

  /** Add memory; it lies apart from the last free block where another thread grew it in between. */
  #grow(wanted: number): void {
    const tail = this.#free.at(-1)
    const { byteLength } = this.memory.buffer
    const joins = tail !== undefined && tail.address + tail.bytes === byteLength
    const missing = joins ? wanted - tail.bytes : wanted
    const least = Math.ceil(missing / PAGE)
    const room = MAX_PAGES - byteLength / PAGE
    const pages = Math.max(least, Math.min(GROWTH / PAGE, room))
    const before = orRefuse(wanted, byteLength, () => this.memory.grow(pages))
    this.#release({ address: before * PAGE, bytes: pages * PAGE })
  }

  /** Put a block among the free ones, in its place, and join it with its neighbours. */
  #release({ address, bytes }: Block): void {
    const free = this.#free
    const end = address + bytes
    const index = free.filter((block) => block.address < address).length
    const before = free[index - 1]
    const after = free[index]
    const joinsAfter = after?.address === end
    const block = { address, bytes: joinsAfter ? bytes + after.bytes : bytes }
    const joinsBefore = before !== undefined && before.address + before.bytes === address
    if (joinsBefore) before.bytes += block.bytes
    free.splice(index, joinsAfter ? 1 : 0, ...(joinsBefore ? [] : [block]))
  }
}

/**
 * The same object with views of a memory that stay valid: each is taken anew where the memory has grown since. A shared
 * memory's views stay valid by themselves, so there it is the object as given, which can cross threads.
 * @param copied - bytes, from the start of a buffer, that were copied to `address`: views of them become views of the copy.
 */
export function liveViews<T extends object>(
  memory: WebAssembly.Memory,
  source: T,
  copied?: Uint8Array,
  address = 0,
): T {
  if (isShared(memory.buffer)) return source
  const from = copied?.buffer ?? memory.buffer
  const out = (Array.isArray(source) ? [] : {}) as Record<string, unknown>
  for (const [key, value] of Object.entries(source) as [string, unknown][]) {
    if (typeof value !== 'object' || value === null) out[key] = value
    else if (!ArrayBuffer.isView(value)) out[key] = liveViews(memory, value, copied, address)
    else if (value.buffer !== from) out[key] = value
    else {
      const { byteOffset, length, constructor } = value as Uint8Array
      const type = constructor as unknown as ViewType<ArrayBufferView>
      const fresh = (): ArrayBufferView => new type(memory.buffer, address + byteOffset, length)
      let view = fresh()
      const get = (): ArrayBufferView => (view.buffer === memory.buffer ? view : (view = fresh()))
      Object.defineProperty(out, key, { enumerable: true, get })
    }
  }
  return out as T
}

function notAllocated(address: number): InvalidArgumentError {
  return new InvalidArgumentError('address', `${address} is not allocated here; free what its allocate returned, once`)
}

/** What `take` gives, unless there is no room for it. */
function orRefuse<T>(wanted: number, present: number, take: () => T): T {
  try {
    return take()
  } catch {
    throw new CapacityError(
      `${wanted} bytes are wanted beside ${present}, but a memory holds at most ${MAX_PAGES * PAGE}, less where the system has less; index fewer rows, or store smaller ones`,
      MAX_PAGES * PAGE,
      wanted,
    )
  }
}

function checkBytes(argument: string, value: number): void {
  numberIn(argument, value, { min: 0, max: Number.MAX_SAFE_INTEGER }, 0)
}
