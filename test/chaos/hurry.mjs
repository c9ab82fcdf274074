// Loaded into the agent before its own code: its full jitter of up to 30 s between dials, right for a network that is
// really away, would leave 200 cuts no time. Only chance is changed, and only its scale.
const chance = Math.random;
Math.random = () => chance() * 0.01;
