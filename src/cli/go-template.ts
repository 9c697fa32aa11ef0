import { Failure } from "../base/failure.ts";
import { parseTemplate, type Command, type Node, type Operand, type Pipeline } from "./go-template-parser.ts";
import { callFunction, isMap, isTrue, noSuchField, show, type GoValue } from "./go-values.ts";

/** A `--format` that is not a template, or that asks for what is not there. */
export class TemplateFailure extends Failure {
  readonly code = "template" as const;
}

type Scope = Map<string, GoValue>;

/**
 * Reads a template of Go's text/template as Docker's `--format` takes it: fields, variables, `if`, `with`, `range`,
 * pipelines, Go's functions and Docker's (`json`, `join`, `upper`, …). Gives a function from data to text.
 */
export function compileTemplate(text: string): (data: GoValue) => string {
  const nodes = failing(() => parseTemplate(text));
  return (data) => failing(() => runNodes(nodes, data, new Map([["$", data]])));
}

function failing<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError || error instanceof RangeError) {
      throw new TemplateFailure(`template parsing error: ${error.message}`, { cause: error });
    }
    throw error;
  }
}

function runNodes(nodes: readonly Node[], dot: GoValue, scope: Scope): string {
  return nodes.map((node) => runNode(node, dot, scope)).join("");
}

function runNode(node: Node, dot: GoValue, scope: Scope): string {
  switch (node.kind) {
    case "text":
      return node.text;
    case "action": {
      const value = runPipeline(node.pipeline, dot, scope);
      if (node.variables.length === 0) return show(value);
      scope.set(node.variables[0]!, value);
      return "";
    }
    case "if":
    case "with": {
      const inner = new Map(scope);
      const value = runPipeline(node.pipeline, dot, inner);
      if (node.variables[0] !== undefined) inner.set(node.variables[0], value);
      if (isTrue(value)) return runNodes(node.body, node.kind === "with" ? value : dot, inner);
      return runNodes(node.otherwise, dot, inner);
    }
    case "range": {
      const items = entriesOf(runPipeline(node.pipeline, dot, scope));
      if (items.length === 0) return runNodes(node.otherwise, dot, new Map(scope));
      return items.map(([key, value]) => runNodes(node.body, value, rangeScope(scope, node.variables, key, value))).join("");
    }
  }
}

function rangeScope(scope: Scope, variables: readonly string[], key: GoValue, value: GoValue): Scope {
  const inner = new Map(scope);
  if (variables.length === 2) inner.set(variables[0]!, key);
  if (variables.length > 0) inner.set(variables.at(-1)!, value);
  return inner;
}

/** What `range` walks: a list in its order, a map by its sorted keys, a number n as 0…n-1. */
function entriesOf(value: GoValue): [GoValue, GoValue][] {
  if (Array.isArray(value)) return value.map((item: GoValue, index) => [index, item]);
  if (typeof value === "number") return Array.from({ length: value }, (_, index) => [index, index]);
  if (value === null || value === undefined) return [];
  if (typeof value === "object") {
    return Object.keys(value).filter((key) => typeof (value as Record<string, unknown>)[key] !== "function").sort().map((key) => [key, (value as Record<string, GoValue>)[key]]);
  }
  throw new TypeError(`range can't iterate over ${show(value)}`);
}

function runPipeline(pipeline: Pipeline, dot: GoValue, scope: Scope): GoValue {
  let last: GoValue[] = [];
  for (const command of pipeline) {
    last = [runCommand(command, last, dot, scope)];
  }
  return last[0];
}

function runCommand([first, ...rest]: Command, piped: readonly GoValue[], dot: GoValue, scope: Scope): GoValue {
  if (first?.kind !== "function") {
    if (rest.length + piped.length > 0) throw new TypeError("can't give argument to non-function");
    return evaluate(first!, dot, scope);
  }
  // `and` and `or` stop at the value that decides, as in Go.
  if ((first.name === "and" || first.name === "or") && rest.length > 0) {
    let value: GoValue;
    for (const operand of rest) {
      value = evaluate(operand, dot, scope);
      if (isTrue(value) === (first.name === "or")) return value;
    }
    return piped.length > 0 ? piped[0] : value!;
  }
  return callFunction(first.name, [...rest.map((operand) => evaluate(operand, dot, scope)), ...piped]);
}

function evaluate(operand: Operand, dot: GoValue, scope: Scope): GoValue {
  switch (operand.kind) {
    case "literal":
      return operand.value;
    case "function":
      return callFunction(operand.name, []);
    case "dot":
      return fields(dot, operand.fields);
    case "variable":
      if (!scope.has(operand.name)) throw new SyntaxError(`undefined variable ${JSON.stringify(operand.name)}`);
      return fields(scope.get(operand.name), operand.fields);
    case "pipeline":
      return fields(runPipeline(operand.pipeline, dot, scope), operand.fields);
  }
}

function fields(value: GoValue, names: readonly string[]): GoValue {
  let current = value;
  for (const name of names) {
    if (current === null || current === undefined) throw new TypeError(`nil value has no field ${JSON.stringify(name)}`);
    if (typeof current !== "object" || Array.isArray(current)) throw new TypeError(`can't evaluate field ${name} in type interface {}`);
    if (!Object.hasOwn(current, name) && isMap(current)) current = undefined;
    else if (!Object.hasOwn(current, name)) throw new TypeError(noSuchField(current, name));
    else current = (current as Record<string, GoValue>)[name];
  }
  return current;
}
