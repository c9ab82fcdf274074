/** Why a sign-in failed: exact for the log, one of a few pages for the browser. Neither carries a value of the provider's. */
import { GatewayError, type ProblemCode } from "../problem.ts";

export type SignInFailure =
  | "attempt_missing"
  | "attempt_expired"
  | "unknown_provider"
  | "provider_unreachable"
  | "provider_timeout"
  | "provider_redirected"
  | "provider_answer_too_large"
  | "provider_answer_not_json"
  | "provider_answer_bad"
  | "provider_url_refused"
  | "discovery_failed"
  | "discovery_mismatch"
  | "metadata_unusable"
  | "jwks_failed"
  | "response_bad"
  | "response_error"
  | "response_cancelled"
  | "code_refused"
  | "token_response_bad"
  | "id_token_algorithm"
  | "id_token_key"
  | "id_token_signature"
  | "id_token_claims"
  | "id_token_tenant"
  | "userinfo_failed"
  | "userinfo_subject"
  | "userinfo_signature"
  | "user_api_failed"
  | "logout_token"
  | "logout_replayed"
  | "not_supported";

/** What the person sees; a new failure does not compile without its page. */
const PAGES: Record<SignInFailure, ProblemCode> = {
  attempt_missing: "attempt_expired",
  attempt_expired: "attempt_expired",
  unknown_provider: "unknown_provider",
  provider_unreachable: "provider_down",
  provider_timeout: "provider_down",
  provider_redirected: "provider_down",
  provider_answer_too_large: "provider_down",
  provider_answer_not_json: "provider_down",
  provider_answer_bad: "provider_down",
  provider_url_refused: "provider_down",
  discovery_failed: "provider_down",
  discovery_mismatch: "provider_down",
  metadata_unusable: "provider_down",
  jwks_failed: "provider_down",
  response_bad: "sign_in_invalid",
  response_error: "sign_in_invalid",
  response_cancelled: "sign_in_cancelled",
  code_refused: "sign_in_invalid",
  token_response_bad: "sign_in_invalid",
  id_token_algorithm: "sign_in_invalid",
  id_token_key: "sign_in_invalid",
  id_token_signature: "sign_in_invalid",
  id_token_claims: "sign_in_invalid",
  id_token_tenant: "sign_in_invalid",
  userinfo_failed: "sign_in_invalid",
  userinfo_subject: "sign_in_invalid",
  userinfo_signature: "sign_in_invalid",
  user_api_failed: "provider_down",
  logout_token: "sign_in_invalid",
  logout_replayed: "sign_in_invalid",
  not_supported: "sign_in_invalid",
};

export class SignInError extends GatewayError {
  readonly reason: SignInFailure;

  constructor(reason: SignInFailure, options?: ErrorOptions) {
    super(PAGES[reason], options);
    this.name = "SignInError";
    this.reason = reason;
  }
}

/** Lets refusals of ours through and gives everything else one reason; the cause is for debuggers, never for a log. */
export async function orFail<T>(reason: SignInFailure, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof SignInError) throw cause;
    throw new SignInError(reason, { cause });
  }
}
