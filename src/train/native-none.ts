/** There are no native packages on a page. */
export async function importNative(_: string): Promise<unknown> {
  throw new Error('this runtime has no native packages')
}
