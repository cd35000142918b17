-- Which agent completes in a buffer, and the one of our own where no other does.
--
-- One agent is asked, never two: of those that complete, one in front of a server goes before ours,
-- since it also sees what the server offers.
local agent = require('strop.agent')
local clients = require('strop.clients')
local session = require('strop.session')
local settings = require('strop.settings')

local M = {}

local MOST_ENDS = 3 -- so often it is started again after it ended by itself
local own = { id = nil, ends = 0, given_up = false }

-- What a client has to say to be offered inline completions by servers that ask. Since 0.12 Neovim says
-- it by itself.
function M.capabilities(base)
  if vim.lsp.inline_completion then return base end
  local all = vim.deepcopy(base or vim.lsp.protocol.make_client_capabilities())
  all.textDocument = all.textDocument or {}
  all.textDocument.inlineCompletion = all.textDocument.inlineCompletion or { dynamicRegistration = false }
  return all
end

local function on_exit(code, _, client_id)
  vim.schedule(function()
    session.forget(client_id)
    if own.id ~= client_id then return end
    own.id = nil
    if code == 0 then return end
    own.ends = own.ends + 1
    own.given_up = code == 2 or own.ends >= MOST_ENDS
    if code == 2 then
      agent.explain_exit(
        agent.command(),
        "Where no [provider] is configured, set provider = false in require('strop').setup{}."
      )
    elseif own.given_up then
      agent.complain_once('strop-agent ended ' .. own.ends .. ' times; :StropDoctor says what is wrong')
    end
  end)
end

local function start(ready)
  local command, why = agent.command()
  if not command then
    own.given_up = true
    return agent.complain_once(why)
  end
  local config = {
    name = 'strop',
    cmd = command,
    root_dir = vim.loop.cwd(),
    capabilities = M.capabilities(),
    -- Each key press as it comes: told in bundles, typing looks as if it had been inserted.
    flags = { debounce_text_changes = 0 },
    on_init = function() vim.schedule(ready) end,
    on_exit = on_exit,
  }
  if vim.fn.has('nvim-0.11') == 1 then
    own.id = vim.lsp.start(config, { attach = false })
  else
    own.id = vim.lsp.start_client(config)
  end
end

function M.is_own(client)
  return client.id == own.id
end

-- The setting may have been changed: an agent that failed gets another chance.
function M.reset()
  own.ends, own.given_up = 0, false
end

-- The client to ask for completions in the buffer.
function M.of(bufnr)
  local last
  for _, client in ipairs(clients.agents(bufnr)) do
    if clients.completes_inline(client) then
      if not M.is_own(client) then return client end
      last = client
    end
  end
  return last
end

local function is_file(bufnr)
  return vim.bo[bufnr].buftype == '' and vim.bo[bufnr].modifiable and vim.api.nvim_buf_get_name(bufnr) ~= ''
end

-- Sees to it that an agent completes in this buffer, if there can be one. `ready`: called when one that
-- had to be started can be asked.
function M.ensure(bufnr, ready)
  if not settings.now.provider or own.given_up or not is_file(bufnr) or M.of(bufnr) then return end
  if not own.id then start(ready) end
  if own.id and not vim.lsp.buf_is_attached(bufnr, own.id) then vim.lsp.buf_attach_client(bufnr, own.id) end
end

return M
