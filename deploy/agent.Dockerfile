# The agent in an image of its own: Node, and the one file that `npm run build` made. From the top of the repository:
#   npm run build && docker build -f deploy/agent.Dockerfile -t tidegate-agent:0.1.0 .
FROM node:24-slim
COPY dist/assets/agent.mjs /opt/tidegate/agent.mjs
# The account that OpenClaw's image runs as: both write into one workspace.
USER 1000:1000
ENTRYPOINT ["node", "/opt/tidegate/agent.mjs"]
CMD ["run", "--state", "/state"]
