/** Runs `work` on up to `most` items at once and gives the results in the order of the items. */
export async function* inOrder<Item, Result>(source: AsyncIterable<Item>, most: number, work: (item: Item) => Promise<Result>): AsyncGenerator<Result> {
  const running: Promise<Result>[] = [];
  for await (const item of source) {
    const result = work(item);
    result.catch(() => undefined); // seen when its turn comes
    running.push(result);
    if (running.length >= most) yield await running.shift()!;
  }
  for (const result of running) yield await result;
}
