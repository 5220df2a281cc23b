import { CountersignError } from "./client.js";
import { digest } from "./digest.js";
import type { Approval, Arguments, Decision } from "./types.js";

/** What a model is told after every refusal, so that it does not try the same in another way. */
const NO_RETRY = "Do not retry this, in the same or another way, unless the user asks you to.";

/** Whether a call may run. */
export type Verdict =
  | {
      approved: true;
      /** What to run: the call's own arguments, or what the person made of them. */
      arguments: Arguments;
      /** Whether the person changed arguments. */
      edited: boolean;
      /** Who approved it. */
      reason: string;
      approval: Approval;
    }
  | {
      approved: false;
      /** A sentence for the model: how it ended, why, and not to retry. */
      reason: string;
      /** Missing if the service could not be asked. */
      approval?: Approval;
    };

/**
 * What an ended approval means for a call with these arguments. Only an approval of exactly these arguments lets it run,
 * and only until a result was reported: an approval is for one call.
 */
export async function verdict(approval: Approval, args: Arguments): Promise<Verdict> {
  const decision = approval.decision;
  if (approval.status !== "approved" || decision?.outcome !== "approved") return refuse(refused(approval, decision), approval);
  if (approval.result) return refuse("This call already ran; its result was reported.", approval);
  const edited = decision.arguments;
  const fits = (await digest(args)) === approval.arguments_digest;
  if (!fits || (edited && (await digest(edited)) !== decision.arguments_digest)) {
    return refuse("The approval is for a different call.", approval);
  }
  const who = decision.user ?? approval.user;
  const reason =
    decision.by === "user"
      ? `Approved in Slack by ${who}${edited ? ", who changed the arguments" : ""}.`
      : `Approved automatically: ${approval.user} allowed this action before.`;
  return { approved: true, arguments: edited ?? args, edited: edited !== null, reason, approval };
}

/** A refusal of a call if the service could not be asked, or its answer is not known. */
export function unavailable(error: unknown): Verdict {
  const why = error instanceof Error ? error.message : String(error);
  return refuse(
    error instanceof CountersignError && error.status === undefined
      ? "Not approved: the approval service could not be reached."
      : `Not approved: ${why}`,
  );
}

/** A refusal of a call that was approved, and whose permit the service refused. */
export function notPermitted(error: unknown, approval: Approval): Verdict {
  if (!(error instanceof CountersignError)) return refuse(`Not permitted: ${error instanceof Error ? error.message : String(error)}`, approval);
  if (error.kind === "permit-used") return refuse("This call already ran, or began to, and an approval is for one call.", approval);
  return refuse(error.problem ? `Not permitted: ${error.problem.title}.` : "Not permitted: the approval service could not be reached.", approval);
}

function refuse(what: string, approval?: Approval): Verdict {
  const reason = `The tool did not run. ${what} ${NO_RETRY}`;
  return approval ? { approved: false, reason, approval } : { approved: false, reason };
}

function refused({ status, user }: Approval, decision: Decision | null): string {
  const reason = decision?.reason?.trim();
  const why = reason ? `: ${reason}` : "";
  switch (status) {
    case "denied":
      if (decision?.by === "policy") return `Denied by a rule of the workspace's admins${why}.`;
      return `Denied in Slack by ${decision?.user ?? user}${reason ? `. Their reason: “${reason}”` : ", who gave no reason"}.`;
    case "expired":
      return `Expired: ${user} did not answer in Slack in time.`;
    case "cancelled":
      return `Cancelled before anyone answered in Slack${why}.`;
    case "undeliverable":
      return `Slack could not show the request to ${user}${why}.`;
    case "pending":
      return `${user} has not answered in Slack yet.`;
    default:
      return `The approval is ${String(status)}, which this version of the package does not know.`;
  }
}
