import { behaves, endures } from "./stack.js";
import { durable, inline } from "./stacks/langchain.js";

behaves(inline);
endures(durable);
