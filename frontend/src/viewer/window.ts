/** Which rows and columns are in sight. Ranges go from a first to one before a last. */

/** From a first to one before a last. */
export interface Range {
  start: number;
  stop: number;
}

/** Rows in sight of a body of some height. */
export function rowsInSight(top: number, view: number, rowHeight: number, rows: number): Range {
  const start = Math.min(Math.floor(top / rowHeight), rows);
  return { start, stop: Math.min(Math.ceil((top + view) / rowHeight), rows) };
}

/** Left edges of columns, and of what would follow the last. */
export function edges(widths: readonly number[]): number[] {
  const found = [0];
  for (const width of widths) found.push(found[found.length - 1]! + width);
  return found;
}

/** Columns in sight, given all edges. */
export function columnsInSight(left: number, view: number, all: readonly number[]): Range {
  const count = all.length - 1;
  const start = Math.min(search(all, left + 1), count);
  return { start, stop: Math.min(search(all, left + view) + 1, count) };
}

/** The last edge that is before a place. */
function search(all: readonly number[], x: number): number {
  let low = 0;
  let high = all.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (all[middle]! < x) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** A range made longer at both ends, within what there is. */
export function widened(range: Range, by: number, count: number): Range {
  return { start: Math.max(0, range.start - by), stop: Math.min(count, range.stop + by) };
}

/** Where to scroll so that something is in sight; the same place if it is. */
export function reveal(start: number, stop: number, now: number, view: number): number {
  if (start < now) return start;
  if (stop > now + view) return Math.min(start, stop - view);
  return now;
}
