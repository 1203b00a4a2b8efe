# frozen_string_literal: true

set :application, 'api'
set :versioner_version, ENV.fetch('VERSION', '1.2.3')
set :versioner_rollback_version, ENV.fetch('ROLLBACK_TO', nil)
set :deploy_to, ENV.fetch('TARGET', '/nowhere')
set :log_level, :error

# Capistrano names releases by the second, and tests may make two in one.
env.define_singleton_method(:timestamp) { Time.at(Integer(ENV['SECOND'])).utc } if ENV['SECOND']

task(:work) do
  puts 'the work'
  $stdout.flush
  sleep if ENV['WAIT']
  exit ENV['EXIT'].to_i if ENV['EXIT']
  Process.wait(fork { exit }) if ENV['FORK']
  raise 'the disk is full' if ENV['FAIL'] == 'work'
end
after 'deploy:updated', :work

task(:hook) { raise 'nobody is in the room' if ENV['FAIL'] == 'hook' }
after 'deploy:finished', :hook
