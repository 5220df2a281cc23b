import { behaves, endures } from "./stack.js";
import { durable, inline } from "./stacks/openai-agents.js";

behaves(inline);
endures(durable);
