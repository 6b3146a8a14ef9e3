# What the examples use of the gems aws-sdk-lambda and aws-sdk-ssm, for a machine that has Ruby and not the gems: the
# same calls, sent to the endpoint of AWS_ENDPOINT_URL. The signature is left out, which only the local cloud accepts.
require "json"
require "net/http"
require "stringio"
require "time"
require "uri"

module SwitchboardStandIn
  class ServiceError < StandardError; end

  def self.post(service, path, body, headers = {})
    endpoint = URI.join(ENV.fetch("AWS_ENDPOINT_URL"), path)
    scope = [ENV.fetch("AWS_ACCESS_KEY_ID"), Time.now.utc.strftime("%Y%m%d"), ENV.fetch("AWS_REGION"), service]
    request = Net::HTTP::Post.new(endpoint, headers)
    request["X-Amz-Date"] = Time.now.utc.strftime("%Y%m%dT%H%M%SZ")
    request["X-Amz-Security-Token"] = ENV["AWS_SESSION_TOKEN"] if ENV["AWS_SESSION_TOKEN"]
    request["Authorization"] =
      "AWS4-HMAC-SHA256 Credential=#{scope.join("/")}/aws4_request, SignedHeaders=host;x-amz-date, Signature=0"
    request.body = body
    answer = Net::HTTP.start(endpoint.host, endpoint.port) { |connection| connection.request(request) }
    raise ServiceError, "#{answer.code} #{answer.body}" unless answer.is_a?(Net::HTTPSuccess)

    answer
  end
end
