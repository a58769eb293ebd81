// Publishes claim events and shows the verdicts:  dotnet run EVENT.json...
// Needs .NET 8 and StackExchange.Redis 2.8, or newer.
using System.Text.Json;
using StackExchange.Redis;

string[] streams = ["claims.passed", "claims.failed", "claims.rejected"];
const string Group = "pms";
// A name that is the same after a restart, and different for each process that runs at the same time.
string consumer = Environment.GetEnvironmentVariable("PALPATE_CONSUMER") ?? "pms-1";
string server = Environment.GetEnvironmentVariable("PALPATE_REDIS") ?? "127.0.0.1:6379";

using var connection = await ConnectionMultiplexer.ConnectAsync(server);
IDatabase redis = connection.GetDatabase();

foreach (string path in args)
{
    string claimEvent = await File.ReadAllTextAsync(path);
    // Publishing it again is safe, whatever happened: the same (source, id) is one event.
    RedisValue entry = await redis.StreamAddAsync("claims.created", "event", claimEvent);
    Console.WriteLine($"{path} is on the stream as {entry}");
}

foreach (string stream in streams)
{
    try
    {
        // From 0: what was published before the first start is read too.
        await redis.StreamCreateConsumerGroupAsync(stream, Group, "0-0", createStream: true);
    }
    catch (RedisServerException error) when (error.Message.StartsWith("BUSYGROUP"))
    {
        // The group is there.
    }
}

// First what this consumer was given and did not acknowledge (0-0), then what is new (>).
RedisValue since = "0-0";
while (true)
{
    StreamPosition[] position = [.. streams.Select(stream => new StreamPosition(stream, since))];
    RedisStream[] answer = await redis.StreamReadGroupAsync(position, Group, consumer, countPerStream: 100);
    if (answer.All(found => found.Entries.Length == 0))
    {
        // StackExchange.Redis shares one connection and cannot block on it.
        if (since == ">") await Task.Delay(TimeSpan.FromMilliseconds(500));
        since = ">";
    }
    foreach (RedisStream found in answer)
    {
        foreach (StreamEntry entry in found.Entries)
        {
            Handle(JsonDocument.Parse(entry["event"].ToString()).RootElement);
            // Only now: if this process dies before, it is given the event again.
            await redis.StreamAcknowledgeAsync(found.Key, Group, entry.Id);
        }
    }
}

// What your system does with it. It may be called twice for one event: key what you store by source_event.
static void Handle(JsonElement verdict)
{
    JsonElement data = verdict.GetProperty("data");
    if (verdict.GetProperty("type").GetString() == "claim.rejected")
    {
        Console.WriteLine($"rejected: {data.GetProperty("errors")}");
        return;
    }
    Console.WriteLine($"{data.GetProperty("claim_id")} version {data.GetProperty("version")}: {data.GetProperty("verdict")}");
}
