"""A Pydantic AI agent that asks before it opens an issue."""

from countersign import Approvals
from countersign.pydantic_ai import ApprovalCapability
from pydantic_ai import Agent
from pydantic_ai.messages import ModelMessage, ModelResponse, TextPart, ToolCallPart
from pydantic_ai.models.function import AgentInfo, FunctionModel


# A scripted model, so that this runs without an account. Use your own, such as "openai:gpt-5".
def script(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
    if len(messages) == 1:
        arguments = {"owner": "acme", "repo": "checkout", "title": "Cents"}
        return ModelResponse([ToolCallPart("create_issue", arguments)])
    return ModelResponse([TextPart(str(getattr(messages[-1].parts[-1], "content", "")))])


approvals = Approvals("atlas", user="U0ALICE", integration="github")
agent = Agent(FunctionModel(script), capabilities=[ApprovalCapability(approvals)])


@agent.tool_plain(requires_approval=True)
def create_issue(owner: str, repo: str, title: str) -> str:
    """Opens an issue."""
    return f"Opened “{title}” in {owner}/{repo}"


print(agent.run_sync("Open an issue about the missing cents").output)
