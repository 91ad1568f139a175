# SPDX-License-Identifier: Apache-2.0
# Ruby's own Logger, Rails as a new application has it in production, and lograge: main.rb FOLDER
require "logger"
folder = ARGV[0]
plain = Logger.new("#{folder}/logger.log")
plain.info("hello")
plain.warn("slow")
named = Logger.new("#{folder}/logger.log", progname: "shop")
named.error("boom")
begin
  raise ArgumentError, "bad"
rescue StandardError => e
  named.fatal(e)
end

require "action_controller/railtie"
require "lograge"
class Carts < ActionController::Base
  def index = render(plain: "hello")
  def fail = raise("boom")
end
class Shop < Rails::Application
  config.secret_key_base = "0" * 64
  config.eager_load = false
  config.hosts.clear
  config.log_level = :info
  config.log_formatter = ::Logger::Formatter.new
  config.log_tags = [:request_id]
  config.consider_all_requests_local = false
end
log = ActiveSupport::Logger.new("#{folder}/rails.log")
log.formatter = ::Logger::Formatter.new
Rails.logger = ActiveSupport::TaggedLogging.new(log)
Shop.config.logger = Rails.logger
Shop.initialize!
Shop.routes.draw do
  get "/carts", to: "carts#index"
  get "/fail", to: "carts#fail"
end
def Shop.get(path) = call(Rack::MockRequest.env_for(path))
Object.const_set(:CartsController, Carts)
Shop.get("/carts")
Shop.get("/fail")
Shop.get("/nothing")
