/**
 * A scheduled task at logon, by a PowerShell script that is written and not run: a service proper needs a wrapper that
 * Windows does not bring. Not run on Windows by its authors.
 */
import type { ServicePlan } from "./service-plan.ts";

const TASK = "Tidegate Agent";

/** @returns a script for `powershell -File`; no word of it is read as code, whatever the paths are */
export function windowsScript(plan: ServicePlan): string {
  const words = [plan.program, "run", "--state", plan.state].map((word) => `"${word}"`).join(" ");
  const variables = Object.entries(plan.variables)
    .map(([name, value]) => `[Environment]::SetEnvironmentVariable(${literal(name)}, ${literal(value)}, 'User')\n`)
    .join("");
  return `$ErrorActionPreference = 'Stop'
${variables}$action = New-ScheduledTaskAction -Execute ${literal(plan.node)} -Argument ${literal(words)}
$trigger = New-ScheduledTaskTrigger -AtLogOn -User $env:USERNAME
$settings = New-ScheduledTaskSettingsSet -RestartCount 999 -RestartInterval (New-TimeSpan -Minutes 1) \`
  -ExecutionTimeLimit ([TimeSpan]::Zero) -MultipleInstances IgnoreNew -AllowStartIfOnBatteries -DontStopIfGoingOnBatteries
Register-ScheduledTask -TaskName ${literal(TASK)} -Action $action -Trigger $trigger -Settings $settings -Force | Out-Null
Start-ScheduledTask -TaskName ${literal(TASK)}
`;
}

export function windowsRemoval(): string {
  return `Unregister-ScheduledTask -TaskName ${literal(TASK)} -Confirm:$false`;
}

/** A single-quoted string: nothing in it is expanded, and a quote is written twice. */
function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
