"""A LangChain agent that asks before it opens an issue."""

from typing import Any

from countersign import Approvals
from countersign.langchain import ApprovalMiddleware
from langchain.agents import create_agent
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.tools import tool


@tool
def create_issue(owner: str, repo: str, title: str) -> str:
    """Opens an issue."""
    return f"Opened “{title}” in {owner}/{repo}"


# A scripted model, so that this runs without an account. Use your own, such as "openai:gpt-5".
class Scripted(GenericFakeChatModel):
    def bind_tools(self, tools: Any, **options: Any) -> Any:
        return self


call = {
    "name": "create_issue",
    "args": {"owner": "acme", "repo": "checkout", "title": "Cents"},
    "id": "call_1",
}
model = Scripted(messages=iter([AIMessage("", tool_calls=[call]), AIMessage("Done.")]))

approvals = Approvals("atlas", user="U0ALICE", integration="github")
agent = create_agent(model, [create_issue], middleware=[ApprovalMiddleware(approvals)])
result = agent.invoke({"messages": [HumanMessage("Open an issue about the missing cents")]})
print(result["messages"][-2].content)
