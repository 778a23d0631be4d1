/** Operators, written by frontend/operators.py: change artigraph/filter/operator.py. */

/** How an operator reads, and whether it stands without a value. */
export interface Operator {
  words: string;
  bare: boolean;
}

/** In the order in which they are offered. */
export const OPERATORS: Record<string, Operator> = {
  eq: { words: "=", bare: false },
  ne: { words: "≠", bare: false },
  gt: { words: ">", bare: false },
  ge: { words: "≥", bare: false },
  lt: { words: "<", bare: false },
  le: { words: "≤", bare: false },
  contains: { words: "contains", bare: false },
  missing: { words: "is missing", bare: true },
  present: { words: "is not missing", bare: true },
};
