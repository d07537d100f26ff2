/** What the caller told `init`, for all that this thread does from then on. */
export const hooks: {
  /** Makes a started worker, where the library's own cannot start. */
  worker?: () => unknown
  /** Where the trainer's files lie, with a slash at the end. */
  trainerBase?: string
} = {}
