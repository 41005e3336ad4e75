"""Providers beyond this process: any OpenAI-compatible endpoint for vectors and chat, and an MCP server's tool."""
