/** What the Worker seals for agents, each with keys of its own from the ring of SESSION_SECRET. */
import { AgentPasses } from "./agent-pass.ts";
import { EnrolmentRequests } from "./enrolment-request.ts";
import { EnrolmentTokens } from "./enrolment-token.ts";

export interface AgentSeals {
  passes: AgentPasses;
  requests: EnrolmentRequests;
  tokens: EnrolmentTokens;
}

export function agentSeals(secrets: string[]): AgentSeals {
  return {
    passes: new AgentPasses(secrets),
    requests: new EnrolmentRequests(secrets),
    tokens: new EnrolmentTokens(secrets),
  };
}
